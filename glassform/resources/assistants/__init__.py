"""What AI assistants ask, by the Model Context Protocol."""
