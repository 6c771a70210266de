using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>
/// Whether a sparse tensor is what the ONNX specification asks for (IR.md, "Sparse tensors"; SparseTensorProto): NNZ values, and
/// NNZ int64 indices, linear [NNZ] or by dimension [NNZ, rank], inside the dense shape, ascending, each once.
/// </summary>
internal static class SparseTensorCheck
{
    /// <exception cref="ModelFormatException">It is not; the message says where.</exception>
    internal static void Run(SparseTensorProto sparse)
    {
        if (sparse.Values is not { Dims.Count: 1 } values)
        {
            throw Fault(sparse, "has no list of values");
        }

        long count = values.Dims[0];
        long[] dense = [.. sparse.Dims];
        long elements = Tensor.CountElements(dense);
        if (count == 0 && sparse.Indices is null)
        {
            return;
        }

        if (sparse.Indices is not { DataType: (int)ElementType.Int64 } indices)
        {
            throw Fault(sparse, "has no int64 indices");
        }

        bool isLinear = indices.Dims.Count == 1 && indices.Dims[0] == count;
        if (!isLinear && !(indices.Dims.Count == 2 && indices.Dims[0] == count && indices.Dims[1] == dense.Length))
        {
            throw Fault(sparse, $"has indices of the shape [{string.Join(", ", indices.Dims)}] where [{count}] or [{count}, {dense.Length}] is needed");
        }

        ReadOnlySpan<long> numbers = TensorEncoding.Decode(indices).Span<long>();
        int width = isLinear ? 1 : dense.Length;
        long previous = -1;
        for (int i = 0; i < count; i++)
        {
            long index = isLinear ? numbers[i] : Linear(sparse, numbers.Slice(i * width, width), dense);
            if (index >= elements || index <= previous)
            {
                throw Fault(sparse, $"has the index {index} at place {i}; indices ascend and stay below {elements}");
            }

            previous = index;
        }
    }

    private static long Linear(SparseTensorProto sparse, ReadOnlySpan<long> position, long[] dense)
    {
        long index = 0;
        for (int axis = 0; axis < dense.Length; axis++)
        {
            if (position[axis] < 0 || position[axis] >= dense[axis])
            {
                throw Fault(sparse, $"has the index {position[axis]} in dimension {axis}, which has {dense[axis]} places");
            }

            index = index * dense[axis] + position[axis];
        }

        return index;
    }

    private static ModelFormatException Fault(SparseTensorProto sparse, string problem) =>
        ModelFormatException.Invalid($"The sparse tensor '{sparse.Values?.Name}' {problem}.");
}
