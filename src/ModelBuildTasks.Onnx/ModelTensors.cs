using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>Every tensor of a model message, wherever the specification lets one stand.</summary>
internal sealed class ModelTensors
{
    private readonly List<TensorProto> dense = [];
    private readonly List<SparseTensorProto> sparse = [];

    internal ModelTensors(ModelProto model)
    {
        Add(model.Graph);
        foreach (TrainingInfoProto training in model.TrainingInfo)
        {
            Add(training.Initialization);
            Add(training.Algorithm);
        }

        foreach (FunctionProto function in model.Functions)
        {
            Add(function.AttributeProto);
            Add(function.Node);
        }
    }

    /// <summary>The tensors that are not part of a sparse one.</summary>
    internal IReadOnlyList<TensorProto> Dense => dense;

    /// <summary>The sparse tensors.</summary>
    internal IReadOnlyList<SparseTensorProto> Sparse => sparse;

    /// <summary>All tensors, the values and indices of sparse ones included.</summary>
    internal IEnumerable<TensorProto> All => dense.Concat(sparse.SelectMany(tensor => new[] { tensor.Values, tensor.Indices }).OfType<TensorProto>());

    private void Add(GraphProto? graph)
    {
        if (graph is not null)
        {
            dense.AddRange(graph.Initializer);
            sparse.AddRange(graph.SparseInitializer);
            Add(graph.Node);
        }
    }

    private void Add(IEnumerable<NodeProto> nodes)
    {
        foreach (NodeProto node in nodes)
        {
            Add(node.Attribute);
        }
    }

    private void Add(IEnumerable<AttributeProto> attributes)
    {
        foreach (AttributeProto attribute in attributes)
        {
            if (attribute.T is { } tensor)
            {
                dense.Add(tensor);
            }

            dense.AddRange(attribute.Tensors);
            if (attribute.SparseTensor is { } sparseTensor)
            {
                sparse.Add(sparseTensor);
            }

            sparse.AddRange(attribute.SparseTensors);
            Add(attribute.G);
            foreach (GraphProto graph in attribute.Graphs)
            {
                Add(graph);
            }
        }
    }
}
