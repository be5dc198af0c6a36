"""What a person does with offsets: read records again, skip some, see the lag, send dead letters again."""
