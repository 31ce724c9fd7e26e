"""For programs: other protocols, the API described, health."""
