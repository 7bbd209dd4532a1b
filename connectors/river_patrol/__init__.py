"""河长制巡河: the river patrol system of a water bureau (REST, token in the query, result codes in the body)."""
