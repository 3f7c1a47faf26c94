package cop;

class Prompts {
}
