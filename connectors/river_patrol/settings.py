"""What one installation of this software needs to know."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

BaseUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$")]


class Settings(BaseModel):
    """Address and credentials, as the water bureau issues them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: BaseUrl = Field(description="Address of the interface, e.g. http://10.1.2.4:8081")
    app_id: str = Field(min_length=1)
    secret: SecretStr = Field(min_length=1)
