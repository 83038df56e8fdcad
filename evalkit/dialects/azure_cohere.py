"""Cohere's rerank models on Azure, learn.microsoft.com/azure/ai-foundry and docs.cohere.com/docs/cohere-on-microsoft-azure.

A resource of Azure AI Foundry has ``/providers/cohere/v2/rerank``; a serverless deployment
(``https://NAME.REGION.models.ai.azure.com``) has ``/v1/rerank`` and ``/v2/rerank``: write such a url out. The model is the
name of the deployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from evalkit.dialects.cohere_v2 import CohereV2


class AzureCohere(CohereV2):
    """Cohere on Azure: Cohere v2 with the key in the header ``api-key``, or a token of Microsoft Entra."""

    path = "/providers/cohere/v2/rerank"
    served_at_own_path = True
    home = "https://{resource}.services.ai.azure.com"
    resource_key_header: ClassVar[str] = "api-key"

    def headers(self, api_key: str | None) -> dict[str, str]:
        """Return the headers with the key.

        Foundry's own examples send a resource's key as ``api-key``, those of serverless deployments and of Cohere's
        client in ``Authorization``: both are sent. A token of Entra, a JSON web token, goes into ``Authorization`` only.
        """
        headers = super().headers(api_key)
        if api_key and not (api_key.startswith("eyJ") and api_key.count(".") == 2):
            headers[self.resource_key_header] = api_key
        return headers

    def given_key(self, headers: Mapping[str, str]) -> str | None:
        """Return the key of a request from either header."""
        return headers.get(self.resource_key_header) or super().given_key(headers)
