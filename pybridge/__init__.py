"""The thin Python layer beside the database: it carries calls in, files in and out, and time."""
