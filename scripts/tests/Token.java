package cop; class Token {}
