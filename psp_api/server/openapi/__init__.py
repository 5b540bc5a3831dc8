"""The OpenAPI 3.1 document, made of the same types that validate and answer."""
