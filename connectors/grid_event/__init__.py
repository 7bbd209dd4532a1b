"""网格事件: the grid event system of a political-legal commission (SOAP 1.1, an XML document in one string, GBK)."""
