"""What a deploy has set, whoever runs it: a role may have settings of its own."""

# These change how files are read, or how PostgreSQL writes names and values.
PLAIN = {
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "array_nulls": "on",
    "quote_all_identifiers": "off",
    "datestyle": "'ISO, MDY'",
    "intervalstyle": "'postgres'",
    "timezone": "'UTC'",
    "bytea_output": "'hex'",
    "extra_float_digits": "1",
}
# Before each file, so that no file leaks a setting into the next. With nothing on the path, a forgotten schema fails.
_ALL = {"search_path": "''", "check_function_bodies": "on", "client_encoding": "'UTF8'", **PLAIN}
CLEAN = "".join(f"set local {name} = {value};" for name, value in _ALL.items()).encode()
