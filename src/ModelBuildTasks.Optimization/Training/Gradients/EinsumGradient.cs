using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y = Σ of products of operands over the letters that the result does not name. The gradient of an operand is the same sum with the result and
/// that operand changed over: for "ij,jk->ik", ∂A is "ik,jk->ij" of ∂Y and B. A letter that only this operand has is spread by ones.
/// </summary>
internal sealed class EinsumGradient : IGradientRule
{
    public string OpType => "Einsum";

    public void Differentiate(Node node, GradientContext context)
    {
        (string[] terms, string result) = Parse(node);
        Dictionary<char, long> sizes = Sizes(node, terms, context);
        Value dy = context.Gradient(node.Output);
        for (int i = 0; i < terms.Length; i++)
        {
            if (!context.Needs(node.Inputs[i]))
            {
                continue;
            }

            List<Value> operands = [dy, .. node.Inputs.OfType<Value>().Where((_, other) => other != i)];
            List<string> letters = [result, .. terms.Where((_, other) => other != i)];
            char[] own = [.. terms[i].Where(letter => !letters.Any(term => term.Contains(letter, StringComparison.Ordinal)))];
            if (own.Length > 0)
            {
                operands.Add(context.Graph.AddInitializer("ones", ShapeProbe.Ones([.. own.Select(letter => sizes[letter])])));
                letters.Add(new string(own));
            }

            Node back = context.Graph.AddNode("Einsum", operands).Set("equation", $"{string.Join(',', letters)}->{terms[i]}");
            context.Contribute(node.Inputs[i]!, back.Output);
        }
    }

    private static (string[] Terms, string Result) Parse(Node node)
    {
        string equation = node.GetString("equation")!.Replace(" ", "", StringComparison.Ordinal);
        string[] sides = equation.Split("->");
        string[] terms = sides[0].Split(',');
        if (equation.Contains('.', StringComparison.Ordinal) || terms.Any(term => term.Distinct().Count() != term.Length))
        {
            throw new GradientException(node, $"'{equation}' has an ellipsis or a diagonal, which is not covered");
        }

        // Without an arrow the result has each letter that occurs once, in alphabetical order.
        string once = new([.. string.Concat(terms).GroupBy(letter => letter).Where(group => group.Count() == 1).Select(group => group.Key).Order()]);
        return (terms, sides.Length > 1 ? sides[1] : once);
    }

    private static Dictionary<char, long> Sizes(Node node, string[] terms, GradientContext context)
    {
        Dictionary<char, long> sizes = [];
        for (int i = 0; i < terms.Length; i++)
        {
            long[] shape = context.Shape(node.Inputs[i]!);
            for (int axis = 0; axis < shape.Length; axis++)
            {
                if (!sizes.TryAdd(terms[i][axis], shape[axis]) && sizes[terms[i][axis]] != shape[axis])
                {
                    throw new GradientException(node, $"'{terms[i][axis]}' is broadcast, which is not covered");
                }
            }
        }

        return sizes;
    }
}
