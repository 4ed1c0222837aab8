"""The whole service on real servers, told as the stories that it is for."""
