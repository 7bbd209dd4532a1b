"""Settings of one garbage-scoring System. Holds values, connects to nothing."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Settings(BaseModel):
    """What `settings:` of this System in connectors.yaml may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(pattern=r"^https?://[^\s?#]+$", description="Address of the gateway, e.g. https://host:9102")
    access_key: str = Field(min_length=1, description="Access key (AK) the gateway issued to the hub")
    secret_key: SecretStr = Field(description="Secret key (SK) that goes with it; signs every request")
    overlap_changes: int = Field(
        default=200, ge=1, le=100_000, description="Changes before the last that are read again"
    )
    page_size: int = Field(default=200, ge=1, le=1000, description="Bins asked for at once in a pull")
