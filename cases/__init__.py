"""The file: organisations, people, permissions, cases and their life, records' rights."""
