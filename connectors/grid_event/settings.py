"""What one installation of this software needs to know. Holds values, connects to nothing."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

Charset = Literal["gbk", "gb18030", "utf-8"]
XmlName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]


class Settings(BaseModel):
    """Where the service is, what its WSDL calls things, and the account the commission opened for the hub."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$",
        description="Full address of the service; the one inside its WSDL is often wrong and never used",
    )
    namespace: str = Field(pattern=r"^[!-~]+$", description="targetNamespace of its WSDL, to the letter")
    operation: XmlName = Field(default="service", description="Name of the operation that takes the document")
    parameter: XmlName = Field(default="xml", description="Name of its one parameter: xml, arg0, in0, …")
    qualified: bool = Field(default=False, description="Whether the parameter is in the namespace too, as .NET has it")
    soap_action: str = Field(default="", pattern=r"^[!#-~]*$", description="Its soapAction, empty for most Java ones")
    envelope_charset: Charset = Field(default="utf-8", description="Charset of the SOAP envelope, both ways")
    charset: Charset = Field(default="gbk", description="Charset of the documents inside, and so all it can store")
    account: str = Field(min_length=1, description="Account of the hub there")
    password: SecretStr = Field(description="Password of that account")
    ask_s: float = Field(default=8, ge=1, le=25, description="Seconds a question may take, so that filing has its time")
    overlap_changes: int = Field(
        default=200, ge=1, le=100_000, description="Changes before the last that are read again"
    )
    page_rows: int = Field(default=200, ge=1, le=500, description="Events asked for at once in a pull")
