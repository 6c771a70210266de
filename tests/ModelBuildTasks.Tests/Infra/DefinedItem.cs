using System.Collections;
using Microsoft.Build.Framework;

namespace ModelBuildTasks.Tests.Infra;

/// <summary>An item as MSBuild passes it: it knows the file that defines it.</summary>
internal sealed class DefinedItem(ITaskItem item, string definingProject) : ITaskItem
{
    public string ItemSpec { get => item.ItemSpec; set => item.ItemSpec = value; }

    public ICollection MetadataNames => item.MetadataNames;

    public int MetadataCount => item.MetadataCount;

    public IDictionary CloneCustomMetadata() => item.CloneCustomMetadata();

    public void CopyMetadataTo(ITaskItem destinationItem) => item.CopyMetadataTo(destinationItem);

    public string GetMetadata(string metadataName) => metadataName == "DefiningProjectFullPath" ? definingProject : item.GetMetadata(metadataName);

    public void RemoveMetadata(string metadataName) => item.RemoveMetadata(metadataName);

    public void SetMetadata(string metadataName, string metadataValue) => item.SetMetadata(metadataName, metadataValue);
}
