"""The Web API's methods, one module a family; each class gives its `table()` of methods."""
