

VALUE = {}["key"]
