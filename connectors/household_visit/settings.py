"""What one installation of this software needs to know."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

BaseUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$")]


class Settings(BaseModel):
    """Address and credentials, as the organisation department issues them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: BaseUrl = Field(description="Address without the /api part, e.g. http://10.1.2.3:8080")
    app_key: str = Field(min_length=1)
    app_secret: SecretStr = Field(min_length=1)
    overlap_s: int = Field(default=600, ge=0, le=86_400, description="How late a change may be committed with its time")
