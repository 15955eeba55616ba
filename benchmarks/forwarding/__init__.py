"""What choosing a route costs per request: long lists against trees, own tables against one."""
