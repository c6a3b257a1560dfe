"""Files written whole or not at all, and disks that are full."""
