"""The same questions in every answer style, put to a model before and after tuning: is a style lost, or the facts?"""
