"""The API's resources: decode, call a use case, encode. No `if` about business."""
