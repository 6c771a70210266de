namespace ModelBuildTasks.Contracts;

/// <summary>How an artifact says of itself what it holds, in its own metadata (<c>metadata_props</c>): the worker writes it, and generated accessors read it.</summary>
public static class ArtifactMetadata
{
    /// <summary>What the keys begin with.</summary>
    public const string Prefix = "modelbuild.";

    /// <summary>The key of the element types of its weights, branches and bodies included, by which generated accessors tell TensorRT the precisions to compute in.</summary>
    public const string Types = Prefix + "types";

    /// <summary>Between the entries of a list.</summary>
    public const string Separator = "; ";
}
