"""The diagnostic flowchart: its data, a walk through it, and its picture."""
