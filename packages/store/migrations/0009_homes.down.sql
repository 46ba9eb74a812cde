drop function hold_workspace(text);
