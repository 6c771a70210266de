using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Derivatives of functions of one element, by x = the input and y = the output. Where the function has a kink, the derivative is that
/// of one side, and at a kink to a constant piece it is 0.
/// </summary>
internal static class UnaryDerivatives
{
    public static IEnumerable<IGradientRule> Rules { get; } =
    [
        new UnaryGradient("Abs", (node, c) => c.Graph.Add("Sign", X(node))),
        new UnaryGradient("Atan", (node, c) => c.Graph.Add("Reciprocal", c.Plus(c.Square(X(node)), 1))),
        new UnaryGradient("Cos", (node, c) => c.Graph.Add("Neg", c.Graph.Add("Sin", X(node)))),
        new UnaryGradient("Exp", (node, c) => node.Output),
        new UnaryGradient("Log", (node, c) => c.Graph.Add("Reciprocal", X(node))),
        new UnaryGradient("Neg", (node, c) => c.Number(-1)),
        new UnaryGradient("Reciprocal", (node, c) => c.Graph.Add("Neg", c.Square(node.Output))),
        new UnaryGradient("Sin", (node, c) => c.Graph.Add("Cos", X(node))),
        new UnaryGradient("Sqrt", (node, c) => c.Times(c.Graph.Add("Reciprocal", node.Output), 0.5f)),

        // (2/√π)·exp(−x²)
        new UnaryGradient("Erf", (node, c) => c.Times(c.Graph.Add("Exp", c.Graph.Add("Neg", c.Square(X(node)))), 2 / MathF.Sqrt(MathF.PI))),

        // y·(1 − y)
        new UnaryGradient("Sigmoid", (node, c) => Logistic(node.Output, c)),

        // 1 − y²
        new UnaryGradient("Tanh", (node, c) => c.OneMinus(c.Square(node.Output))),
        new UnaryGradient("Softplus", (node, c) => c.Graph.Add("Sigmoid", X(node))),

        // 1/(1 + |x|)²
        new UnaryGradient("Softsign", (node, c) => c.Square(c.Graph.Add("Reciprocal", c.Plus(c.Graph.Add("Abs", X(node)), 1)))),
        new UnaryGradient("LeakyRelu", (node, c) => WherePositive(node, c, c.Number(1), c.Number(node.GetFloat("alpha", 0.01f)))),
        new UnaryGradient("ThresholdedRelu", (node, c) => c.Float(c.Graph.Add("Greater", X(node), c.Number(node.GetFloat("alpha", 1))))),

        // α·eˣ = y + α below 0
        new UnaryGradient("Elu", (node, c) => WherePositive(node, c, c.Number(1), c.Plus(node.Output, node.GetFloat("alpha", 1)))),

        // e^(x/α) = y/α + 1 below 0
        new UnaryGradient("Celu", (node, c) => WherePositive(node, c, c.Number(1), c.Plus(c.Times(node.Output, 1 / node.GetFloat("alpha", 1)), 1))),

        // γ·α·eˣ = y + γ·α below 0
        new UnaryGradient("Selu", (node, c) =>
        {
            float alpha = node.GetFloat("alpha", 1.67326319217681884765625f), gamma = node.GetFloat("gamma", 1.05070102214813232421875f);
            return WherePositive(node, c, c.Number(gamma), c.Plus(node.Output, gamma * alpha));
        }),

        // α where 0 < α·x + β < 1
        new UnaryGradient("HardSigmoid", (node, c) => c.Times(Inside(node.Output, 0, 1, c), node.GetFloat("alpha", 0.2f))),

        // x·h with h = clip(x/6 + 1/2, 0, 1): h + x/6 where |x| < 3
        new UnaryGradient("HardSwish", (node, c) =>
        {
            Value gate = c.Graph.AddNode("HardSigmoid", [X(node)]).Set("alpha", 1f / 6).Set("beta", 0.5f).Output;
            return c.Graph.Add("Add", gate, c.Times(c.Graph.Add("Mul", X(node), Inside(X(node), -3, 3, c)), 1f / 6));
        }),

        // x·s with s = σ(α·x): s + α·x·s·(1 − s)
        new UnaryGradient("Swish", (node, c) =>
        {
            Value scaled = c.Times(X(node), node.GetFloat("alpha", 1));
            Value gate = c.Graph.Add("Sigmoid", scaled);
            return c.Graph.Add("Add", gate, c.Graph.Add("Mul", scaled, Logistic(gate, c)));
        }),

        // x·t with t = tanh(softplus(x)): t + x·σ(x)·(1 − t²)
        new UnaryGradient("Mish", (node, c) =>
        {
            Value t = c.Graph.Add("Tanh", c.Graph.Add("Softplus", X(node)));
            Value slope = c.Graph.Add("Mul", c.Graph.Add("Sigmoid", X(node)), c.OneMinus(c.Square(t)));
            return c.Graph.Add("Add", t, c.Graph.Add("Mul", X(node), slope));
        }),
        new UnaryGradient("Gelu", (node, c) => node.GetString("approximate") == "tanh" ? ApproximateGelu(X(node), c) : ExactGelu(X(node), c)),
    ];

    private static Value X(Node node) => node.Input(0)!;

    private static Value Logistic(Value s, GradientContext context) => context.Graph.Add("Mul", s, context.OneMinus(s));

    private static Value WherePositive(Node node, GradientContext context, Value positive, Value other) =>
        context.Graph.Add("Where", context.Graph.Add("Greater", X(node), context.Number(0)), positive, other);

    private static Value Inside(Value value, float low, float high, GradientContext context) =>
        context.Float(context.Graph.Add("And", context.Graph.Add("Greater", value, context.Number(low)), context.Graph.Add("Less", value, context.Number(high))));

    /// <summary>x·Φ(x): Φ(x) + x·φ(x) with φ(x) = exp(−x²/2)/√(2π).</summary>
    private static Value ExactGelu(Value x, GradientContext context)
    {
        Value cumulative = context.Times(context.Plus(context.Graph.Add("Erf", context.Times(x, 1 / MathF.Sqrt(2))), 1), 0.5f);
        Value density = context.Times(context.Graph.Add("Exp", context.Times(context.Square(x), -0.5f)), 1 / MathF.Sqrt(2 * MathF.PI));
        return context.Graph.Add("Add", cumulative, context.Graph.Add("Mul", x, density));
    }

    /// <summary>x/2·(1 + t) with t = tanh(u), u = k·(x + c·x³): (1 + t)/2 + x/2·(1 − t²)·k·(1 + 3c·x²).</summary>
    private static Value ApproximateGelu(Value x, GradientContext context)
    {
        const float C = 0.044715f;
        float k = MathF.Sqrt(2 / MathF.PI);
        Value square = context.Square(x);
        Value u = context.Times(context.Graph.Add("Mul", x, context.Plus(context.Times(square, C), 1)), k);
        Value t = context.Graph.Add("Tanh", u);
        Value slope = context.Graph.Add("Mul", context.OneMinus(context.Square(t)), context.Times(context.Plus(context.Times(square, 3 * C), 1), k));
        return context.Times(context.Graph.Add("Add", context.Plus(t, 1), context.Graph.Add("Mul", x, slope)), 0.5f);
    }
}
