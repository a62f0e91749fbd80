"""What a run costs before it is begun: operations, memory, time, disk and money."""
