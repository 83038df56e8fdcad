"""Read and check configurations: YAML to Settings, with overrides, rules, and problems with position and hint."""

from typing import TYPE_CHECKING

from evalkit.lazy_names import load_on_use

if TYPE_CHECKING:
    from evalkit.config.blocks import (
        DatasetSettings,
        RerankerSettings,
        RetrieverSettings,
        SampleSettings,
    )
    from evalkit.config.cascade_settings import CascadeSettings, bind_stages
    from evalkit.config.ensemble_settings import EnsembleSettings
    from evalkit.config.experiment import BudgetSettings, Config, ExecutionSettings
    from evalkit.config.gate_rules import GateRule, GateSettings
    from evalkit.config.input_paths import InputFile, InputPath
    from evalkit.config.judge_settings import JudgeSettings
    from evalkit.config.judgment_settings import HumanSampleSettings, JudgmentSource
    from evalkit.config.latency import Claim, LatencySettings, OfflineSettings, ServerSettings, read_claim
    from evalkit.config.load import (
        is_config_file,
        load_config,
        load_gate,
        load_keys,
        reranker_settings,
        retriever_settings,
        validate_block,
    )
    from evalkit.config.passage_settings import PassageRule, PassageSettings
    from evalkit.config.plugins import load_plugins
    from evalkit.config.resolved import resolved_yaml, run_yaml
    from evalkit.config.run_settings import RunSettings
    from evalkit.config.service import LimitSettings, ServiceSettings
    from evalkit.config.settings import Settings
    from evalkit.config.text_templates import TextTemplates
    from evalkit.config.traffic import Price, Traffic, Weight

__all__ = [
    "BudgetSettings",
    "CascadeSettings",
    "Claim",
    "Config",
    "DatasetSettings",
    "EnsembleSettings",
    "ExecutionSettings",
    "GateRule",
    "GateSettings",
    "HumanSampleSettings",
    "InputFile",
    "InputPath",
    "JudgeSettings",
    "JudgmentSource",
    "LatencySettings",
    "LimitSettings",
    "OfflineSettings",
    "PassageRule",
    "PassageSettings",
    "Price",
    "RerankerSettings",
    "RetrieverSettings",
    "RunSettings",
    "SampleSettings",
    "ServerSettings",
    "ServiceSettings",
    "Settings",
    "TextTemplates",
    "Traffic",
    "Weight",
    "bind_stages",
    "is_config_file",
    "load_config",
    "load_gate",
    "load_keys",
    "load_plugins",
    "read_claim",
    "reranker_settings",
    "resolved_yaml",
    "retriever_settings",
    "run_yaml",
    "validate_block",
]

__getattr__ = load_on_use(__name__)
