"""Settings of one poverty-alleviation System. Holds values, connects to nothing."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Settings(BaseModel):
    """What `settings:` of this System in connectors.yaml may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1, description="Name or address of the file server")
    port: int = Field(default=22, ge=1, le=65535, description="Its SSH port")
    user: str = Field(min_length=1, description="Account of the hub there")
    password: SecretStr = Field(description="Password of that account")
    host_key: str = Field(pattern=r"^(ssh|ecdsa)-\S+ \S+", description="Its public host key, one OpenSSH line; pinned")
    page_rows: int = Field(default=500, ge=1, le=5000, description="Households handed on at once in a pull")
