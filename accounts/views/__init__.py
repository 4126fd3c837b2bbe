"""The pages of this room: signing in, people, groups, devices, and one's own."""
