using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>
/// Names of the nodes of one graph, which must differ where there are any (ONNX docs/IR.md, "Names Within a Graph"): ONNX Runtime refuses two of the same. In memory they may be the same, so that who adds a
/// node need not know what an earlier pass, or an earlier run that made the source, called its own.
/// </summary>
internal static class NodeNames
{
    /// <summary>Puts a number behind each name that a node before it has.</summary>
    internal static void MakeUnique(IReadOnlyCollection<NodeProto> nodes)
    {
        HashSet<string> given = new(nodes.Count, StringComparer.Ordinal);
        NodeProto[] repeated = [.. nodes.Where(node => node.Name.Length > 0 && !given.Add(node.Name))];
        foreach (NodeProto node in repeated)
        {
            string name = node.Name;
            for (int number = 1; !given.Add(node.Name); number++)
            {
                node.Name = $"{name}_{number}";
            }
        }
    }
}
