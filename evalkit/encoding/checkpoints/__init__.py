"""What the files of a model say, and whether what was loaded is what they say."""
