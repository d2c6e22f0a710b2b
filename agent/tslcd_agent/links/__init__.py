"""Link state at once: traps and informs, the box's own interfaces, and a fast poll of the few that channels depend on."""
