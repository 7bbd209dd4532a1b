"""Settings of one target-assessment System. Holds values, connects to nothing."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from hub.sdk.tables.address import NAME, TABLE, URL


class Agreed(BaseModel):
    """What was agreed about one column."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = Field(pattern=NAME, description="Its name there")
    chars: int | None = Field(default=None, ge=1, description="The longest text agreed on; longer ones are refused")


class Settings(BaseModel):
    """What `settings:` of this System in connectors.yaml may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern=URL, description="The database: postgresql://host:port/database")
    user: str = Field(min_length=1, description="Account of the hub there; it needs SELECT and INSERT, no more")
    password: SecretStr = Field(min_length=1, description="Password of that account")
    encrypted: bool = Field(default=True, description="False only where nobody can listen on the line")
    authority: str = Field(default="", description="PEM file of the authority whose certificate the database shows")
    table: str = Field(pattern=TABLE, description="The exchange table, its schema before it where it has one")
    columns: dict[str, Agreed] = Field(min_length=1, description="The column of each field that flows here")
    key_column: str = Field(default="id", pattern=NAME, description="Unique; holds the delivery's key")
    op_column: str = Field(default="op", pattern=NAME, description="I, U or D")
    earlier_column: str = Field(default="ref_id", pattern=NAME, description="The key of the row that U and D change")
    flag_column: str = Field(default="sync_flag", pattern=NAME, description="0 not read, 1 accepted, 2 refused")
    message_column: str = Field(default="sync_msg", pattern=NAME, description="The System's words")
    time_column: str = Field(default="", pattern=f"^$|{NAME}", description="When written, if the table does not say")

    @model_validator(mode="after")
    def _vouched_for(self) -> Self:
        if self.encrypted != bool(self.authority):
            raise ValueError("name the `authority` that vouches for the database, or say `encrypted: false`")
        return self
