using Ddm.Services;
using DdmAspire.ServiceDefaults;

// Features to clusters.
return await DdmHost.RunAsync(
    args,
    port: 5082,
    parts: ddm => ddm.AddClustering(),
    prepare: builder => builder.AddServiceDefaults(DdmTelemetry.Name, DdmTelemetry.MessagesName),
    map: app => app.MapDefaultEndpoints());
