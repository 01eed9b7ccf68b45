"""All forms, by the name that a description gives."""

from __future__ import annotations

from collections.abc import Mapping

from core.dialects.declared.forms.anthropic import ANTHROPIC
from core.dialects.declared.forms.form import Form
from core.dialects.declared.forms.gemini import GEMINI
from core.dialects.declared.forms.openai import OLLAMA, OPENAI, RESPONSES
from core.dialects.declared.forms.sites import COZE, UI_MESSAGES

FORMS: Mapping[str, Form] = {
    "openai": OPENAI,
    "openai-responses": RESPONSES,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
    "ollama": OLLAMA,
    "aisdk-v5": UI_MESSAGES,
    "coze": COZE,
}
