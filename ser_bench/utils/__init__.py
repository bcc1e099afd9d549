"""What every room may use: work over processes, files written whole, tables handed in, progress, plug-ins, specifications."""
