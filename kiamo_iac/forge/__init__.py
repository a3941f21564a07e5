"""What a pipeline tells the forge that it runs on: a comment on the merge request, made once and then updated."""
