"""What the bodies of requests are told to be."""


def is_json(media_type: str) -> bool:
    """Whether a media type, without its parameters and in small letters, is one of JSON (RFC 6839)."""
    return media_type == "application/json" or media_type.endswith("+json")
