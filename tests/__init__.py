"""The tests mirror the house. See conftest.py for the servers and databases they run against."""
