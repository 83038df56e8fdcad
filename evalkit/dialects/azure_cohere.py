"""Cohere's rerank models on Azure, docs.cohere.com/docs/cohere-on-microsoft-azure and litellm azure_ai/rerank.

A resource of Azure AI Foundry has ``/providers/cohere/v2/rerank``; a serverless deployment
(``https://NAME.REGION.models.ai.azure.com``) has ``/v1/rerank`` and ``/v2/rerank``: set ``url`` to such an address. The
model is the name of the deployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from evalkit.dialects.cohere_v2 import CohereV2


class AzureCohere(CohereV2):
    """Cohere on Azure: Cohere v2 with the key in the header ``api-key``, or a token of Microsoft Entra."""

    path = "/providers/cohere/v2/rerank"
    served_at_own_path = True
    aliases = ("/v2/rerank",)
    home = "https://{resource}.services.ai.azure.com"
    resource_key_header: ClassVar[str] = "api-key"

    def headers(self, api_key: str | None) -> dict[str, str]:
        """Return the headers with the key.

        A resource's key is sent as ``api-key``, the key of a serverless deployment and that of Cohere's own client in
        ``Authorization``: both are set. A token of Entra, a JSON web token, is in ``Authorization`` only.
        """
        headers = super().headers(api_key)
        if (
            api_key
            and self.key_header == CohereV2.key_header
            and not (api_key.startswith("eyJ") and api_key.count(".") == 2)
        ):
            headers[self.resource_key_header] = api_key
        return headers

    def given_key(self, headers: Mapping[str, str]) -> str | None:
        """Return the key of a request from either header."""
        return headers.get(self.resource_key_header) or super().given_key(headers)
