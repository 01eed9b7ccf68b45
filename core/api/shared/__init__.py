"""What every API file needs and none owns: bodies and their bounds, keys, errors, the way an answer is sent."""
