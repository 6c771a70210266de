using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>Finds the shape of every tensor by running the model once: ONNX Runtime knows every operator's shape rule, we need not. Sequences and maps have none.</summary>
internal static class ShapeProbe
{
    public static IReadOnlyDictionary<Value, long[]> Run(Model model, Value result, IReadOnlyList<Tensor> example)
    {
        string[] names = [.. model.Graph.Nodes.SelectMany(node => node.Outputs).Where(value => value.Uses.Count > 0 || value.IsOutput || value.Name == result.Name).Select(value => value.Name)];
        using ModelSession session = ModelSession.Open(ObservedModel.Of(model, names), new SessionSettings(Optimize: false));
        using SessionRun values = session.RunBorrowed(example);
        Graph graph = model.Graph;
        Dictionary<Value, long[]> shapes = graph.Initializers.ToDictionary(value => value, value => value.Initializer!.Dimensions.ToArray());
        for (int i = 0; i < example.Count; i++)
        {
            shapes[graph.Find(session.Inputs[i].Name)!] = [.. example[i].Dimensions];
        }

        for (int i = 0; i < names.Length; i++)
        {
            if (values.IsTensor(i))
            {
                shapes[graph.Find(names[i])!] = [.. values.ShapeOf(i)];
            }
        }

        return shapes;
    }

    public static Tensor Ones(long[] shape)
    {
        float[] ones = new float[shape.Aggregate(1L, (product, size) => product * size)];
        Array.Fill(ones, 1f);
        return Tensor.Create(shape, ones);
    }
}
