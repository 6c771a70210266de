using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>Finds the shape and the type of every tensor by running the model once: ONNX Runtime knows every operator's shape rule, we need not. Sequences and maps have none.</summary>
internal static class ShapeProbe
{
    public static IReadOnlyDictionary<Value, long[]> Run(Model model, Value result, IReadOnlyList<Tensor> example) => Run(model, result, example, out _);

    /// <param name="model">The model.</param>
    /// <param name="result">A value of it that is wanted, be it read by nothing.</param>
    /// <param name="example">One tensor for each input.</param>
    /// <param name="types">The element type of each value that has a shape.</param>
    public static IReadOnlyDictionary<Value, long[]> Run(Model model, Value result, IReadOnlyList<Tensor> example, out IReadOnlyDictionary<Value, ElementType> types)
    {
        string[] names = [.. model.Graph.Nodes.SelectMany(node => node.Outputs).Where(value => value.Uses.Count > 0 || value.IsOutput || value.Name == result.Name).Select(value => value.Name)];
        using ModelSession session = ModelSession.Open(ObservedModel.Of(model, names), new SessionSettings(Optimize: false));
        using SessionRun values = session.RunBorrowed(example);
        Graph graph = model.Graph;
        Dictionary<Value, long[]> shapes = graph.Initializers.ToDictionary(value => value, value => value.Initializer!.Dimensions.ToArray());
        Dictionary<Value, ElementType> elements = graph.Initializers.ToDictionary(value => value, value => value.Initializer!.ElementType);
        for (int i = 0; i < example.Count; i++)
        {
            Value input = graph.Find(session.Inputs[i].Name)!;
            shapes[input] = [.. example[i].Dimensions];
            elements[input] = session.Inputs[i].ElementType;
        }

        for (int i = 0; i < names.Length; i++)
        {
            if (values.IsTensor(i))
            {
                Value value = graph.Find(names[i])!;
                shapes[value] = [.. values.ShapeOf(i)];
                elements[value] = values.TypeOf(i);
            }
        }

        types = elements;
        return shapes;
    }

    public static Tensor Ones(long[] shape)
    {
        float[] ones = new float[shape.Product()];
        Array.Fill(ones, 1f);
        return Tensor.Create(shape, ones);
    }
}
