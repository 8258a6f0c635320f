"""What the pages of the benchmark and of the reliability runs are made with alike: the machine, commands, pictures."""
