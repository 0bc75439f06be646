"""YAML in, one resolved and schema-checked tree out, in which every value knows its place and the layers behind it."""
