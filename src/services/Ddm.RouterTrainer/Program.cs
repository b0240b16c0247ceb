using Ddm.Services;
using DdmAspire.ServiceDefaults;

// Trains routers; measures and publishes finished runs, which needs the same view of all clusters and little of a device's time.
return await DdmHost.RunAsync(
    args,
    port: 5084,
    parts: ddm => ddm.AddRouterTraining().AddPublishing().AddGrids(),
    prepare: builder => builder.AddServiceDefaults(DdmTelemetry.Name, DdmTelemetry.MessagesName),
    map: app => app.MapDefaultEndpoints());
