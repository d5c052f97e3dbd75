import server

INSTANCE = server.PromptServer.instance
