"""What a fine-tuning file teaches about the form of answers: which styles it holds, which its prompts ask for."""
