"""The public surfaces: one file per API parses its requests and renders its answers."""

from pydantic import BaseModel

# FastAPI describes OpenAPI in some forty models, and we serve no description: they are built when first used, which
# is never. Building them at every cold start would be an eighth of it. It must be said before FastAPI is imported.
BaseModel.model_config["defer_build"] = True
